#!/usr/bin/env bash
# Builds a real Kubernetes (API server, controller manager, scheduler, kubelet, kube-proxy: 1.20, the
# last that Debian carries whole) from Debian's own source into the cache, once; prints its folder.
# Ends with 77 where this is no machine on which that can be done.
set -euo pipefail

cache=${FOTOGRAMA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fotograma}
version=1.20.5+really1.20.2-1.1+deb12u1
bin=$cache/kubernetes-1.20.2
programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy)

have() {
  local program
  for program in "${programs[@]}"; do [ -x "$bin/$program" ] || return 1; done
}

mkdir -p "$cache"
exec 9>"$cache/kubernetes.lock"
flock 9
if ! have; then
  [ "$(id -u)" = 0 ] || { echo "building Kubernetes needs root, for apt" >&2; exit 77; }
  [ "$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" = bookworm ] ||
    { echo "Kubernetes's source is in Debian 12 only" >&2; exit 77; }

  work=$(mktemp -d "${TMPDIR:-/tmp}/kubernetes.XXXXXX")
  chmod 755 "$work"
  log=$work/log
  trap 'status=$?; [ $status = 0 ] || tail -n 40 "$log" >&2; rm -rf "$work"; exit $status' EXIT

  # apt's own settings, but sources and lists of this build alone.
  private=(-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/sources" -o Dir::State::Lists="$work/lists")
  mkdir -p "$work/sources" "$work/lists/partial"
  signed=/usr/share/keyrings/debian-archive-keyring.gpg
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
  printf 'deb-src [signed-by=%s] %s bookworm main\n' "$signed" "$mirror" >"$work/sources/source.list"

  echo "fetching Kubernetes's source from Debian …" >&2
  {
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends golang-go dpkg-dev
    apt-get "${private[@]}" update -q
    mkdir -p "$work/go/src/k8s.io"
    (cd "$work/go/src/k8s.io" && apt-get "${private[@]}" source -q --only-source "kubernetes=$version" && mv kubernetes-*/ kubernetes)
  } >"$log" 2>&1

  cd "$work/go/src/k8s.io/kubernetes"
  export GO111MODULE=off GOPATH=$work/go GOCACHE=$work/cache CGO_ENABLED=0 GOFLAGS=
  echo "building Kubernetes, which takes minutes …" >&2
  {
    # What the release's own build generates first.
    nice -n 15 go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
    staging='api|apimachinery|apiserver|apiextensions-apiserver|kube-aggregator|component-base|client-go'
    staging+='|cloud-provider|kube-controller-manager|kube-proxy|kube-scheduler|kubelet|metrics'
    IFS='|' read -ra names <<<"$staging"
    described=$(grep -rl --include='*.go' '+k8s:openapi-gen=' "${names[@]/#/staging/src/k8s.io/}" pkg cmd 2>/dev/null |
      grep -vE '/testdata/|/test/|_test.go|/examples?/|sample-' | xargs -n1 dirname | sort -u |
      sed -E "s#^(pkg|cmd)/#k8s.io/kubernetes/\1/#; s#^staging/src/k8s.io/#k8s.io/kubernetes/vendor/k8s.io/#" | paste -sd,)
    nice -n 15 "$work/openapi-gen" --logtostderr -i "$described" -p k8s.io/kubernetes/pkg/generated/openapi \
      -O zz_generated.openapi -h hack/boilerplate/boilerplate.generatego.txt -r /dev/null

    version_flags="-s -w"
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
      version_flags+=" -X $package.gitVersion=v1.20.2 -X $package.gitMajor=1 -X $package.gitMinor=20"
    done
    mkdir -p "$bin"
    for program in "${programs[@]}"; do
      nice -n 15 go build -ldflags "$version_flags" -o "$bin/.$program" "./cmd/$program"
      mv "$bin/.$program" "$bin/$program"
    done
  } >>"$log" 2>&1
fi

echo "$bin"
