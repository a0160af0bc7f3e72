package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
)

// A bbolt file is read here byte by byte before bbolt gets it: bbolt trusts
// its pages, and on a damaged one it panics, reads where nothing is, or misses
// keys without a word.
//
// Two head pages: a page header, then magic, version, page size, flags, root
// bucket, freelist, page count, transaction id, and an FNV-1a checksum of
// those. A page header is id, flags, count, overflow. Elements of 16 bytes
// follow it; their positions count from the element's own start.
const (
	pageHeader   = 16
	elementSize  = 16
	bucketHeader = 16
	headSummed   = 56
	headSize     = headSummed + 8
	headMagic    = 0xED0CDAED
	flagBranch   = 0x01
	flagLeaf     = 0x02
	leastPage    = 512
	deepest      = 64
)

// entry is one value of a file with its seal.
type entry struct {
	bucket     string
	key, value []byte
}

// contents is what could be read of a file.
type contents struct {
	whole   []entry  // sealed as they were written
	damaged []entry  // readable, but not as they were written
	pages   []string // what is wrong with pages and heads
}

func (c *contents) clean() bool { return len(c.damaged) == 0 && len(c.pages) == 0 }

// head is a head page.
type head struct {
	pageSize, root, pages, tx uint64
}

func readHead(raw []byte) (h head, ok bool) {
	if len(raw) < headSize {
		return h, false
	}
	sum := fnv.New64a()
	_, _ = sum.Write(raw[:headSummed]) // a hash takes all
	u64 := func(at int) uint64 { return binary.LittleEndian.Uint64(raw[at:]) }
	h = head{pageSize: uint64(binary.LittleEndian.Uint32(raw[8:])), root: u64(16), pages: u64(40), tx: u64(48)}
	return h, binary.LittleEndian.Uint32(raw) == headMagic && u64(headSummed) == sum.Sum64() && h.pageSize >= leastPage
}

// walker reads the pages that a head leads to.
type walker struct {
	raw  []byte
	head head
	seen map[uint64]bool
	contents
}

// readPages reads a whole file. It returns ErrDamaged, wrapped, if there is no
// head page to begin from. Where the newest state cannot be read at all, the one
// before it is taken: no page of that was written to since.
func readPages(raw []byte) (*contents, error) {
	heads := readHeads(raw)
	if len(heads) == 0 {
		return nil, fmt.Errorf("%w: neither head page is whole", ErrDamaged)
	}
	newest := walk(raw, heads[0])
	if len(heads) == 1 {
		newest.pages = append(newest.pages, "a head page: the last change before the damage may be lost")
		return newest, nil
	}
	if newest.clean() || newest.format() != nil {
		return newest, nil
	}
	former := walk(raw, heads[1])
	if former.format() == nil {
		return newest, nil
	}
	former.pages = append(append(newest.pages, "the newest state: the last change before the damage is lost"), former.pages...)
	return former, nil
}

// readHeads gives the head pages that are whole, the newer first.
func readHeads(raw []byte) (heads []head) {
	for size := uint64(leastPage); size <= 1<<16; size *= 2 { // the second head stands a page after the first
		for i, at := range []uint64{0, size} {
			if at+pageHeader > uint64(len(raw)) {
				continue
			}
			h, ok := readHead(raw[at+pageHeader:])
			if !ok || h.pageSize != size || h.tx%2 != uint64(i) { // one that stands in the other's place is of an older change
				continue
			}
			heads = append(heads, h)
		}
	}
	slices.SortFunc(heads, func(a, b head) int { return cmp.Compare(b.tx, a.tx) })
	return heads[:min(len(heads), 2)]
}

func walk(raw []byte, h head) *contents {
	w := &walker{raw: raw, head: h, seen: map[uint64]bool{}}
	w.page("", h.root, deepest, bounds{last: new([]byte)})
	return &w.contents
}

func (w *walker) bad(page uint64, format string, a ...any) {
	w.pages = append(w.pages, fmt.Sprintf("page %d: %s: what is on it is lost", page, fmt.Sprintf(format, a...)))
}

// bounds are what the keys of a subtree must lie between: after the last one
// read, from least on, before most.
type bounds struct {
	last        *[]byte
	least, most []byte
}

func (b bounds) hold(key []byte) bool {
	return (*b.last == nil || bytes.Compare(key, *b.last) > 0) && bytes.Compare(key, b.least) >= 0 &&
		(b.most == nil || bytes.Compare(key, b.most) < 0)
}

// page reads a page of a bucket's tree, and what is below it. The root bucket
// has no name and holds the others.
func (w *walker) page(bucket string, id uint64, depth int, b bounds) {
	at := id * w.head.pageSize
	if id < 2 || id >= w.head.pages || at+w.head.pageSize > uint64(len(w.raw)) || depth == 0 {
		w.bad(id, "out of the file")
		return
	}
	over := uint64(binary.LittleEndian.Uint32(w.raw[at+12:]))
	length := (1 + over) * w.head.pageSize
	if length > uint64(len(w.raw))-at || id+over >= w.head.pages || binary.LittleEndian.Uint64(w.raw[at:]) != id {
		w.bad(id, "header")
		return
	}
	for i := id; i <= id+over; i++ {
		if w.seen[i] {
			w.bad(i, "reached twice")
			return
		}
		w.seen[i] = true
	}
	w.elements(bucket, id, w.raw[at:at+length], depth, b)
}

// elements reads a page, or the page within the value of a small bucket.
func (w *walker) elements(bucket string, id uint64, page []byte, depth int, b bounds) {
	flags, count := binary.LittleEndian.Uint16(page[8:]), int(binary.LittleEndian.Uint16(page[10:]))
	if flags != flagBranch && flags != flagLeaf || pageHeader+count*elementSize > len(page) {
		w.bad(id, "header")
		return
	}
	if !packed(page[pageHeader:], flags == flagLeaf, count) {
		w.bad(id, "elements")
	}
	at := func(i int) []byte { return page[pageHeader+i*elementSize:] }
	ordered := true
	for i := range count {
		if flags == flagLeaf {
			ordered = w.leaf(bucket, id, at(i), b) && ordered
			continue
		}
		below := bounds{last: b.last, most: b.most}
		key, ok := branchKey(at(i))
		if ordered = ok && b.hold(key) && ordered; ok {
			below.least = key
		}
		if i+1 < count {
			below.most, _ = branchKey(at(i + 1))
		}
		w.page(bucket, binary.LittleEndian.Uint64(at(i)[8:]), depth-1, below)
	}
	if !ordered {
		w.pages = append(w.pages, fmt.Sprintf("page %d: keys out of order: what is on it is kept", id))
	}
}

func branchKey(element []byte) ([]byte, bool) {
	return span(element, binary.LittleEndian.Uint32(element), binary.LittleEndian.Uint32(element[4:]))
}

// leaf takes one key of a bucket, or opens a bucket of the root; it reports
// whether the key lies where it should.
func (w *walker) leaf(bucket string, id uint64, element []byte, b bounds) (ordered bool) {
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(element[at:]) }
	key, ok := span(element, u32(4), u32(8))
	value, ok2 := span(element, u32(4)+u32(8), u32(12))
	if !ok || !ok2 {
		w.bad(id, "an element")
		return true
	}
	ordered = b.hold(key)
	*b.last = key
	e := entry{bucket: bucket, key: key, value: value}
	switch {
	case bucket == "":
		w.open(id, u32(0), key, value)
	case u32(0) == 0 && sealed(bucket, key, value):
		w.whole = append(w.whole, e)
	default:
		w.damaged = append(w.damaged, e)
	}
	return ordered
}

func (w *walker) open(id uint64, flags uint32, key, value []byte) {
	if flags != 1 || len(value) < bucketHeader || len(key) == 0 {
		w.bad(id, "bucket %q", key)
		return
	}
	b := bounds{last: new([]byte)}
	if root := binary.LittleEndian.Uint64(value); root != 0 {
		w.page(string(key), root, deepest, b)
		return
	}
	inline := value[bucketHeader:]
	if len(inline) < pageHeader {
		w.bad(id, "bucket %q", key)
		return
	}
	w.elements(string(key), id, inline, deepest, b)
}

// packed reports whether the content of a page stands where bbolt writes it:
// after the elements, without gaps. A wrong number of elements shows here.
func packed(body []byte, leaf bool, count int) bool {
	if count == 0 {
		return len(body) < elementSize || bytes.Equal(body[:elementSize], make([]byte, elementSize))
	}
	want := uint64(count * elementSize) //nolint:gosec // neither is negative
	for i := range count {
		u32 := func(at int) uint64 { return uint64(binary.LittleEndian.Uint32(body[i*elementSize+at:])) }
		pos, size := u32(0), u32(4)
		if leaf {
			pos, size = u32(4), u32(8)+u32(12)
		}
		if pos+uint64(i*elementSize) != want {
			return false
		}
		want += size
	}
	return want <= uint64(len(body))
}

// span is a stretch of a page, if it lies in it.
func span(element []byte, pos, size uint32) ([]byte, bool) {
	from, to := uint64(pos), uint64(pos)+uint64(size)
	if from < elementSize || to > uint64(len(element)) {
		return nil, false
	}
	return element[from:to:to], true
}
