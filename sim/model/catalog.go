package model

// NewCatalog makes the kinds of a lab, fresh ones at every call; replication
// adds its own. A new kind is one more word here.
func NewCatalog() *Catalog {
	c := &Catalog{byType: map[string]*Kind{}, guards: map[string][]Guard{}, work: map[string]Work{}}
	addSystem(c)
	addConfig(c)
	addEvents(c)
	addUsers(c)
	addNetwork(c)
	addComponents(c)
	addFC(c)
	volume := volumeKind()
	c.Add(poolKind(), volume)
	c.OnDue(jobFill, fillPool)
	addFilesystems(c)
	c.Add(consGroupKind())
	addPromotion(c, volume)
	addSnapshotPolicies(c)
	addVVols(c)
	addDatasets(c)
	addExpress(c)
	c.Add(hostKind(), clusterKind(), lunKind(), initiatorKind())
	addSANClients(c)
	c.Add(exportKind(), nlmLockKind())
	addQoS(c)
	addShares(c)
	c.Add(nfsUserKind(), ldapKind(), idpKind())
	addNotifications(c)
	addServerCapabilities(c)
	addSSH(c)
	addCertificates(c)
	addKMS(c)
	addDomains(c)
	addNTP(c)
	addSearch(c)
	addMetrics(c)
	addS3(c)
	addTenants(c)
	addMetadata(c)
	return c
}
