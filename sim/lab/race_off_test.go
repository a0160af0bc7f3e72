//go:build !race

package lab_test

// manyLabs is how many labs live at once in TestLabs_aThousandLive.
const manyLabs = 1000
