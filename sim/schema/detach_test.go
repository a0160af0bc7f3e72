package schema_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"infinisim/sim/schema"
)

// TestObject_detach takes away the bytes that an object was decoded from.
func TestObject_detach(t *testing.T) {
	t.Parallel()
	row := schema.Encode(schema.New(disk, 7))
	o, err := schema.Decode(disk, 7, row)
	require.NoError(t, err)
	want, err := o.AppendJSON(nil, disk.StoredFields(), nil)
	require.NoError(t, err)
	o.Detach()
	for i := range row {
		row[i] = '#'
	}
	got, err := o.AppendJSON(nil, disk.StoredFields(), nil)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}
