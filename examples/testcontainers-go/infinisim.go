// Package infinisimtest runs two linked arrays in a container, for tests in Go.
package infinisimtest

import (
	"context"
	"fmt"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// Token is what the control plane asks for: Authorization: Bearer secret.
const Token = "secret"

// The ports of the two arrays and of the control plane, in the container.
const (
	Primary   = "8080/tcp"
	Secondary = "8081/tcp"
	Control   = "8079/tcp"
)

// Container serves two linked arrays and their control plane.
type Container struct {
	testcontainers.Container
}

// Run starts a container and waits until everything in it serves.
func Run(ctx context.Context, image string) (*Container, error) {
	c, err := testcontainers.Run(ctx, image,
		testcontainers.WithEnv(map[string]string{"INFINISIM_CONTROL_TOKEN": Token}),
		testcontainers.WithExposedPorts(Primary, Secondary, Control),
		testcontainers.WithWaitStrategy(wait.ForHTTP("/_sim/v1/health").WithPort(Control)),
	)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", image, err)
	}
	return &Container{Container: c}, nil
}

// URL is where a port is reached.
func (c *Container) URL(ctx context.Context, port string) (string, error) {
	return c.PortEndpoint(ctx, port, "http")
}
