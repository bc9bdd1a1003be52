//go:build !race

package sqlite

// racing says that the race detector is on.
const racing = false
