//go:build race

package sqlite

// racing says that the race detector is on: SQLite is then some twenty times slower, and how long something takes says nothing.
const racing = true
