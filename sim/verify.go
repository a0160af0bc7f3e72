package sim

import "infinisim/sim/journal"

// Verification is what a test expects of the requests that were made.
type Verification = journal.Verification

// Expectation says how often requests were made.
type Expectation = journal.Expectation

// Asked describes requests.
type Asked = journal.Asked
