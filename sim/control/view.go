package control

// listPools, listLinks and listReplicas show what all arrays of the lab have,
// or that of one that the query names.
func listPools(_ *Server, r *request) (any, error) {
	return r.lab.Pools(r.Context(), r.URL.Query().Get("array"))
}

func listLinks(_ *Server, r *request) (any, error) {
	return r.lab.LinkViews(r.Context(), r.URL.Query().Get("array"))
}

func listReplicas(_ *Server, r *request) (any, error) {
	q := r.URL.Query()
	return r.lab.Replicas(r.Context(), q.Get("array"), q.Get("state"))
}
