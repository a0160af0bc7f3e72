package model_test

import (
	"fmt"

	"infinisim/sim/model"
)

// A catalog knows the kinds by the names of their types.
func Example() {
	c := model.NewCatalog()
	k := c.Kind("volume")
	fmt.Println(k.Path, k.NotFound, k.Type.Field("size").Wire() == model.DatasetSize.Field().Wire())
	// Output: volumes VOLUME_NOT_FOUND true
}
