// Package arch is the shape of this project as a test: who may import whom, what must be documented, and how large a file may grow.
// It has no code of its own to run. A package that its table does not name may not exist, so a new one is decided on, with a line in
// ARCHITECTURE.md, and never just happens.
package arch
