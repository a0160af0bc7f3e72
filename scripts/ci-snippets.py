"""Plays the files of examples/ without a container: ci-snippets.py PROGRAM

The server is started with the command and the environment that a file gives
its container, at the ports that the image has; then the steps of the file's
jobs, or its probes, are played against it. Wants a network of its own.
"""

import os
import subprocess
import sys
import tempfile

import yaml

from docs import loopback

IMAGE = ["serve", "--listen", "0.0.0.0:8080", "--control", "0.0.0.0:8079"]  # the Dockerfile's CMD
PORTS = {8079, 8080, 8081}


def read(name):
    """Returns the documents of a file of examples/."""
    with open(os.path.join("examples", name), encoding="utf-8") as file:
        return list(yaml.safe_load_all(file))


def play(program, name, environment, lines, command=None):
    """Starts a server as a container would, and plays lines against it."""
    with open("Dockerfile", encoding="utf-8") as file:
        assert ", ".join(f'"{word}"' for word in IMAGE) in file.read(), "the image's command is another"
    with tempfile.TemporaryDirectory() as data:
        words = [data if word == "/data" else word for word in command or IMAGE]
        server = subprocess.Popen(
            [program, *words, "--ready-file", "-", "--exit-with-stdin"],
            env={**os.environ, **environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert server.stdout.readline(), f"{name}: the server does not start"
        there = {"ARRAY": "http://localhost:8080", "CONTROL": "http://localhost:8079"}
        for line in lines:
            if not line.startswith("apk "):
                subprocess.run(["bash", "-euc", line], env={**os.environ, **there}, check=True, capture_output=True)
        server.communicate(timeout=60)
        assert server.returncode == 0, f"{name}: the server ends with {server.returncode}"
    print(f"ok   {name}: {len(lines)} requests, as it says")


def main():
    """Plays all files."""
    program = os.path.abspath(sys.argv[1])
    loopback()
    [compose] = read("compose/compose.yaml")
    service = compose["services"]["infinisim"]
    assert {int(p.split(":")[1]) for p in service["ports"]} == PORTS
    asked = ["curl -sf -H 'Authorization: Bearer secret' $CONTROL/_sim/v1/labs", "curl -sf -u admin:123456 $ARRAY/api/rest/system"]
    play(program, "compose/compose.yaml", service["environment"], asked, service["command"])

    [workflow] = read("github-actions/test.yaml")
    job = workflow["jobs"]["test"]
    service = job["services"]["infinisim"]
    assert {int(p.split(":")[1]) for p in service["ports"]} == PORTS
    play(program, "github-actions/test.yaml", service["env"], [step["run"] for step in job["steps"]])

    [pipeline] = read("gitlab-ci/.gitlab-ci.yml")
    job = pipeline["test"]
    [service] = job["services"]
    play(program, "gitlab-ci/.gitlab-ci.yml", service["variables"], job["before_script"] + job["script"])

    secret, deployment, service = read("kubernetes/infinisim.yaml")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    named = {p["name"]: p["containerPort"] for p in container["ports"]}
    assert set(named.values()) == PORTS and {p["targetPort"] for p in service["spec"]["ports"]} == set(named)
    [variable] = container["env"]
    token = secret["stringData"][variable["valueFrom"]["secretKeyRef"]["key"]]
    probes = [container[p]["httpGet"] for p in ("startupProbe", "readinessProbe", "livenessProbe")]
    lines = [f"curl -sf http://localhost:{named[p['port']]}{p['path']}" for p in probes]
    lines.append(f"curl -sf -H 'Authorization: Bearer {token}' $CONTROL/_sim/v1/clock")
    play(program, "kubernetes/infinisim.yaml", {variable["name"]: token}, lines)


if __name__ == "__main__":
    main()
