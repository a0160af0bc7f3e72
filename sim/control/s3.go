package control

import "infinisim/sim/model"

// s3Ask is what a client of S3 adds to a bucket, or takes away.
type s3Ask struct {
	Objects   int64  `json:"objects"`
	Bytes     int64  `json:"bytes"`
	AccessKey string `json:"access_key"`
}

// s3View is what the bucket has then.
type s3View struct {
	Objects  int64 `json:"object_count"`
	Consumed int64 `json:"capacity_consumed"`
}

// putS3 is what a client of S3 does to a bucket.
func putS3(_ *Server, r *request) (any, error) {
	var ask s3Ask
	if err := r.decode(&ask, keysOf(ask)...); err != nil {
		return nil, err
	}
	id, err := r.id()
	if err != nil {
		return nil, err
	}
	var out s3View
	err = r.lab.On(r.Context(), r.key(), func(b *model.Box) error {
		if err := b.PutS3(id, model.S3Put{Objects: ask.Objects, Bytes: ask.Bytes, AccessKey: ask.AccessKey}); err != nil {
			return err
		}
		o, err := b.Must(model.S3Bucket, id)
		if err != nil {
			return err
		}
		out.Objects, out.Consumed = model.S3BucketObjects.Get(o), model.S3BucketConsumed.Get(o)
		return nil
	})
	return out, err
}
