package data

import (
	"cmp"
	"slices"
)

// segments walks two images of one size in pieces over which both are
// constant; a zero Extent stands for zeros.
func segments(a, b Image, fn func(off, length int64, a, b Extent)) {
	size := max(a.size, b.size)
	var off int64
	i, j := 0, 0
	for off < size {
		ea, nexta := at(a, &i, off, size)
		eb, nextb := at(b, &j, off, size)
		next := min(nexta, nextb)
		fn(off, next-off, ea, eb)
		off = next
	}
}

// at gives the extent at off, zero between extents, and where that ends. i
// only moves forward.
func at(im Image, i *int, off, size int64) (e Extent, until int64) {
	for *i < len(im.extents) && im.extents[*i].end() <= off {
		*i++
	}
	if *i == len(im.extents) {
		return Extent{}, size
	}
	if e = im.extents[*i]; e.Off <= off {
		return e, e.end()
	}
	return Extent{}, e.Off
}

// Diff counts the bytes that a job sends to make base into next: those written
// since, equal or not, and those that became zeros.
func Diff(base, next Image) int64 {
	var n int64
	segments(base, next, func(_, length int64, a, b Extent) {
		if !a.same(b) {
			n += length
		}
	})
	return n
}

// Union counts the bytes that any of the images holds, those of one write at
// one offset once.
func Union(images ...Image) int64 {
	var all []Extent
	for _, im := range images {
		all = append(all, im.extents...)
	}
	slices.SortFunc(all, func(x, y Extent) int {
		return cmp.Or(cmp.Compare(x.Token, y.Token), cmp.Compare(x.Birth, y.Birth), cmp.Compare(x.Off, y.Off))
	})
	var n, covered int64
	for i, e := range all {
		if i == 0 || !e.same(all[i-1]) {
			covered = 0
		}
		from := max(e.Off, covered)
		if e.end() > from {
			n += e.end() - from
			covered = e.end()
		}
	}
	return n
}

// Exclusive counts the bytes that of holds and none of the others.
func Exclusive(of Image, others ...Image) int64 {
	return Union(append([]Image{of}, others...)...) - Union(others...)
}
