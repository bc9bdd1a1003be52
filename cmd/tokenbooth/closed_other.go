//go:build !linux

package main

// closeMemory does nothing: only Linux has such a switch.
func closeMemory() {}
