package schema_test

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"infinisim/sim/schema"
)

// FuzzDecode reads any bytes as a row.
func FuzzDecode(f *testing.F) {
	f.Add(schema.Encode(sample(1)))
	f.Fuzz(func(t *testing.T, row []byte) {
		o, err := schema.Decode(disk, 1, row)
		if err == nil && o == nil {
			t.Fatal("neither object nor error")
		}
	})
}

// FuzzRow reads any bytes as a row whose checksum fits: what Decode takes, a look
// at the row sees alike, and it is written again as it was read.
func FuzzRow(f *testing.F) {
	for i := range int64(4) {
		row := schema.Encode(sample(i))
		f.Add(row[:len(row)-4])
	}
	f.Add(schema.Encode(schema.New(disk, 1)))
	f.Fuzz(func(t *testing.T, content []byte) {
		row := binary.BigEndian.AppendUint32(append([]byte{}, content...), crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli)))
		look, bad := schema.RowOf(disk, 1, row)
		o, err := schema.Decode(disk, 1, row)
		if err != nil {
			require.ErrorIs(t, err, schema.ErrDamaged)
			require.Nil(t, o)
			if bad == nil {
				for _, field := range disk.StoredFields() {
					look.Value(field)
				}
			}
			return
		}
		require.NoError(t, bad)
		for _, field := range disk.StoredFields() {
			require.Zero(t, look.Value(field).Compare(o.Value(field)), field.Name)
			look.Value(field).Key()
		}
		_, err = o.AppendJSON(nil, disk.StoredFields()[1:], nil)
		require.NoError(t, err)
		again, err := schema.Decode(disk, 1, schema.Encode(o))
		require.NoError(t, err)
		require.True(t, o.Same(again))
	})
}

// FuzzAccept takes any value of a client for each field: what is taken is JSON
// that a row may keep, is taken again as it is, and passes a filter for itself.
func FuzzAccept(f *testing.F) {
	for _, text := range []string{
		"1", "-1", "1e3", "1.5", "true", `"ADMIN"`, `"PoolAdmin"`, "null", "[]", `["a",null]`, `{"x":1}`, `"é\u0000"`, "9223372036854775807", "1e400", `"\ud800"`, "0",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) {
			return // nobody hands it on
		}
		for _, field := range disk.Fields() {
			out, err := field.Accept(json.RawMessage(text))
			if err != nil {
				require.NotEmpty(t, err.Error())
				continue
			}
			require.True(t, json.Valid(out), "%s: %q", field.Name, out)
			require.NoError(t, field.Holds(out), field.Name)
			again, err := field.Accept(out)
			require.NoError(t, err, field.Name)
			require.Equal(t, string(out), string(again), field.Name)
			v := field.Parse(out)
			require.Zero(t, v.Compare(field.Parse(again)), field.Name)
			if v.IsNull() || field.Wire() == schema.WireList || field.Wire() == schema.WireTree || field.Wire() == schema.WireText {
				continue
			}
			operand := string(out)
			if field.Wire() == schema.WireEnum {
				operand = v.Text()
			}
			if !disk.Shows(field) {
				continue
			}
			q, err := disk.ParseQuery(url.Values{field.Name: {"eq:" + operand}}, schema.Terms{})
			require.NoError(t, err, field.Name)
			require.True(t, q.Filters[0].Match(v), "%s: %s", field.Name, operand)
		}
	})
}
