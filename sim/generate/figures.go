package generate

import (
	"fmt"

	"infinisim/sim/apierr"
)

// Sizes and names.
const (
	block     = 64 << 10
	leastSize = 1_000_013_824 // 1 GB in whole blocks
	usualSize = 256 << 30
	leastPool = 1_000_000_880_640 // 1 TB in what pools are rounded to
)

// whole rounds down to blocks that everything is a multiple of: the array
// rounds up.
func whole(n int64) int64 { return n / poolUnit * poolUnit }

const poolUnit = 6 * block

// draw is a number below n, of a stream.
func (r *run) draw(stream string, i, n int) int {
	return int(r.chance.Uint64(stream, uint64(i)) % uint64(n)) //nolint:gosec // counts up, and n is small
}

// measure draws how large the masters are and how much of them is used: sizes
// from an eighth of the usual one to twice that, small ones more often, so that
// all of it fits in the array.
func (r *run) measure(physical, virtual int64) error {
	n := r.Volumes + r.Filesystems
	if n == 0 {
		return nil
	}
	usual := min(usualSize, virtual/10*7/int64(n))
	if usual < leastSize {
		return apierr.New(apierr.SystemNoCapacity, "volumes: %d datasets do not fit in the %d bytes of virtual capacity that array %s has left", n, virtual, r.Array).About("volumes")
	}
	for i := range n {
		shift := 0
		for shift < 6 && r.draw(fmt.Sprint("size/", shift), i, 2) == 0 {
			shift++
		}
		size := max(usual>>3<<shift/block*block, leastSize)
		size = min(size, usual*2) / block * block // the mean stays below the usual one
		percent := int64(0)
		if r.Used > 0 {
			percent = min(100, int64(r.Used)/2+int64(r.draw("used", i, r.Used+1)))
		}
		r.sizes = append(r.sizes, size)
		r.used = append(r.used, size/100*percent/block*block)
		r.made.Size += size
		r.made.Used += r.used[i]
	}
	return r.fit(physical)
}

// fit takes what is used back to what the array can hold.
func (r *run) fit(physical int64) error {
	most := physical / 10 * 7
	if r.made.Used <= most {
		return nil
	}
	per := max(r.made.Used/1000, 1)
	r.made.Used = 0
	for i, n := range r.used {
		r.used[i] = n / 1000 * (most / per) / block * block
		r.made.Used += r.used[i]
	}
	return nil
}

func (r *run) pick(stream string, i int, words ...string) string {
	return words[r.draw(stream, i, len(words))]
}

func (r *run) application(i int) string {
	return r.pick("application", i, "erp", "crm", "mail", "web", "sql", "vdi", "backup", "hr", "bi", "git", "k8s", "log") + "-" +
		r.pick("stage", i, "prod", "prod", "prod", "test", "dev")
}

func (r *run) volumeName(i int) string {
	return fmt.Sprintf("%s%s-%s-%07d", r.Prefix, r.application(i), r.pick("use", i, "data", "data", "log", "boot", "temp"), i+1)
}

func (r *run) filesystemName(i int) string {
	return fmt.Sprintf("%sfs-%s-%07d", r.Prefix, r.pick("share", i, "home", "projects", "media", "scratch", "archive"), i+1)
}

func (r *run) poolName(i int) string {
	return fmt.Sprintf("%spool-%s-%02d", r.Prefix, r.pick("pool", i, "gold", "silver", "bronze"), i+1)
}

func (r *run) hostName(i int) string {
	return fmt.Sprintf("%s%s-%04d", r.Prefix, r.pick("host", i, "esx", "linux", "win", "oracle", "kube"), i+1)
}

// address is a WWPN of a vendor of host adapters, by the seed.
func (r *run) address(host, port int) string {
	return fmt.Sprintf("21%02x%08x%04x", port, uint32(r.chance.Uint64("port/"+r.Prefix, uint64(host))), host) //nolint:gosec // bits of an address
}
