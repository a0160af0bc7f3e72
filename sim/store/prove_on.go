//go:build race

package store

const proveAlways = true
