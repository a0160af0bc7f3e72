//go:build race

package lab_test

// manyLabs is how many labs live at once in TestLabs_aThousandLive; the race
// detector makes each step dearer.
const manyLabs = 20
