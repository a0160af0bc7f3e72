// Package model is the array's objects: what kinds there are, which fields
// they have, what happens when one is made, changed, used and removed. It
// knows no HTTP and no bbolt.
//
// A kind is declared in a file of its own: fields, type, kind, hooks, routes.
// The engine does the rest the same way for all of them.
package model
