//go:build !unix

package main

// privately does something; files are as private as their folder here.
func privately[T any](do func() (T, error)) (T, error) { return do() }
