package replication_test

import (
	"context"
	"fmt"

	"infinisim/sim"
	"infinisim/sim/model"
	"infinisim/sim/replication"
)

// The links of an array are objects like any other.
func Example() {
	l, err := sim.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = l.Close() }()
	links, err := l.Links(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	err = l.View(context.Background(), "box-1", func(b *model.Box) error {
		link, err := b.Must(replication.Link, links[0].AID)
		if err == nil {
			fmt.Println(replication.LinkName.Get(link), "leads to", replication.Peer(link))
		}
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: box-1-box-2 leads to box-2
}
