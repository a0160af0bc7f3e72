// Package queue is a list at whose end things are added and whose oldest ones
// go: what a journal and a history are. It never moves what it holds.
package queue

// size is how many things a part of a queue has.
const size = 256

// Queue is such a list. Its zero value is empty. It is not safe for concurrent
// use.
type Queue[T any] struct {
	parts [][]T // all but the last one are full
	gone  int   // of the first one
	spare []T   // a part that was left, empty
}

// Len is how many things there are.
func (q *Queue[T]) Len() int {
	if len(q.parts) == 0 {
		return 0
	}
	return (len(q.parts)-1)*size + len(q.parts[len(q.parts)-1]) - q.gone
}

// Push adds a thing.
func (q *Queue[T]) Push(v T) {
	last := len(q.parts) - 1
	if last < 0 || len(q.parts[last]) == size {
		part := q.spare
		if q.spare = nil; part == nil && last >= 0 { // a short queue stays small
			part = make([]T, 0, size)
		}
		q.parts = append(q.parts, part)
		last++
	}
	q.parts[last] = append(q.parts[last], v)
}

// At is the thing at a place, 0 for the oldest. It panics for a place where
// there is none.
func (q *Queue[T]) At(i int) *T {
	i += q.gone
	return &q.parts[i/size][i%size]
}

// Pop takes the oldest thing away. It panics when there is none.
func (q *Queue[T]) Pop() T {
	var none T
	at := q.At(0)
	v := *at
	*at = none // what it holds goes at once
	if q.gone++; q.gone < len(q.parts[0]) {
		return v
	}
	q.spare, q.gone = q.parts[0][:0], 0
	q.parts[0] = nil
	if q.parts = q.parts[1:]; len(q.parts) == 0 {
		q.parts = nil
	}
	return v
}
