package lab_test

import (
	"context"
	"fmt"
	"time"

	"infinisim/sim/lab"
)

// A lab starts empty; arrays and links are added, and time moves when told.
func Example() {
	l, err := lab.New(lab.Options{Seed: 7})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = l.Close() }()
	ctx := context.Background()
	for range 2 {
		if _, err := l.AddArray(ctx, lab.ArraySetup{}); err != nil {
			fmt.Println(err)
			return
		}
	}
	link, err := l.Link(ctx, "box-1", "box-2")
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := l.AdvanceTo(ctx, l.Clock.Now().Add(time.Hour))
	fmt.Println(link.Name, r.Now, err)
	// Output: box-1-box-2 2025-01-01T01:00:00Z <nil>
}
