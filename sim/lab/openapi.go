package lab

import (
	"context"

	"infinisim/sim/model"
)

// OpenAPI describes the REST API of an array of the lab, with its release and
// features, as an OpenAPI 3.1 document. It returns SYSTEM_NOT_FOUND for an
// unknown key.
func (l *Lab) OpenAPI(ctx context.Context, key string) (doc map[string]any, err error) {
	err = l.View(ctx, key, func(b *model.Box) error {
		doc = l.routes.OpenAPI(b.Release())
		return nil
	})
	return doc, err
}
