#!/usr/bin/env bash
# Builds the minimal, static ffmpeg (and ffprobe) that fotograma prefers, from Debian's own source
# of ffmpeg and of dav1d, on a Debian machine or in an image build. Installs what it needs to build.
#
#   build.sh [FOLDER]     where the two programs go; .fotograma/bin unless told
#
#   FFMPEG_VERSION        Debian's version, such as 7:5.1.9-0+deb12u1; the mirror's newest unless told
#   DAV1D_VERSION         likewise, such as 1.0.0-2+deb12u1
#   JOBS                  compilers run at a time; as many as there are cores unless told
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${1:-.fotograma/bin}
jobs=${JOBS:-$(nproc)}
# What is said to people, wherever a step's own words go.
exec 3>&2
work=$(mktemp -d)
trap finish EXIT
# apt downloads as a user of its own, who has to get in.
chmod 755 "$work"

# What may be read, and no more. Demuxers that open further files or addresses which a file names
# (hls, concat, dash, sdp, rtsp) stay out: a stranger writes that file.
demuxers=mov,matroska,avi,mpegts,mpegps,mpegvideo,flv,asf,ogg,gif,mxf,ivf,h264,hevc,dv,rm,apng,nut
# Pictures of our own, to be made into others; never what a stranger sends.
demuxers+=,image2pipe,rawvideo
decoders=h264,hevc,vp8,vp9,libdav1d,mpeg4,msmpeg4v1,msmpeg4v2,msmpeg4v3,mpeg1video,mpeg2video,h263
decoders+=,flv,wmv1,wmv2,wmv3,vc1,theora,mjpeg,gif,png,prores,dvvideo,svq1,svq3,rv10,rv20,rv30,rv40
decoders+=,indeo4,vp6,vp6f,vp6a,qtrle,rawvideo,apng,webp
# They alone decode the transparency that WebM codes beside its pictures.
decoders+=,libvpx_vp8,libvpx_vp9
parsers=h264,hevc,vp3,vp8,vp9,av1,mpeg4video,mpegvideo,h263,vc1,mjpeg,gif,png,rv30,rv40,webp
filters=select,scale,colorspace,fps,format,setpts,settb,split,crop,tpad,tblend,transpose,rotate,hflip,vflip,tile
# A picture as a player shows it: square samples, fields woven out, light and colours of a screen.
filters+=,setsar,bwdif,estdif,sidedata,lut3d,lut1d,setparams
bitstream_filters=null,extract_extradata,h264_mp4toannexb,hevc_mp4toannexb,vp9_superframe_split
bitstream_filters+=,av1_frame_merge,av1_frame_split,mpeg4_unpack_bframes
# Leaves out packets that are no keyframes.
bitstream_filters+=,noise

hardening="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fno-strict-overflow -fstack-protector-strong -fPIE"

# Not --toolchain=hardened: it puts -pie after -static-pie, and the result is silently dynamic.
# --disable-autodetect drops threads too, hence --enable-pthreads. `-f null` needs wrapped_avframe.
# shellcheck disable=SC2054  # the commas are ffmpeg's
configure=(
  --extra-version=min --enable-pic
  --extra-cflags="$hardening"
  --extra-ldflags="-Wl,-z,relro -Wl,-z,now" --extra-ldexeflags="-fPIE -static-pie"
  --pkg-config-flags=--static --disable-everything --disable-autodetect --disable-doc --disable-debug
  --disable-shared --enable-static --disable-iconv --enable-pthreads --enable-zlib --enable-libdav1d --enable-libvpx --enable-libwebp
  --disable-avdevice --disable-postproc --disable-swresample --disable-ffplay
  --enable-demuxer="$demuxers"
  --enable-decoder="$decoders"
  --enable-parser="$parsers"
  --enable-bsf="$bitstream_filters"
  --enable-encoder=mjpeg,png,libwebp,rawvideo,wrapped_avframe
  --enable-muxer=nut,framecrc,image2,image2pipe,null,mjpeg
  --enable-filter="$filters"
  --enable-protocol=file,pipe,http,tcp
)

# libdav1d-dev has no static library, so dav1d is built too.
needs=(binutils dpkg-dev gcc libc6-dev libvpx-dev libwebp-dev make meson nasm ninja-build pkg-config xz-utils zlib1g-dev)

# apt's own settings, but sources, lists and cache of this build alone.
private=(
  -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/apt/sources"
  -o Dir::State::Lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache"
)

# step WHAT COMMAND…: says what goes on; what the command says is shown only if it fails.
step() {
  doing=$1
  shift
  printf '%s …\n' "$doing" >&3
  # Nothing asks for the status here: bash would then go on past errors within the command.
  "$@" >"$work/log" 2>&1
  doing=
}

finish() {
  local status=$?
  if [ -n "${doing:-}" ]; then
    tail -n 40 "$work/log" >&3
    printf 'build.sh: %s failed\n' "$doing" >&3
  fi
  rm -rf "$work"
  exit "$status"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_needs() {
  local package
  for package in "${needs[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] && continue
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${needs[@]}"
    return
  done
}

# The entries of the machine's sources that are Debian's own, as FILE:NUMBER.
debian_entries() {
  # shellcheck disable=SC2016  # apt puts in what the dollar names
  apt-get indextargets --format '$(SOURCESENTRY)' 'Created-By: Packages' 'Origin: Debian' | sort -u
}

# Makes the machine's sources of packages into sources of source, for this build alone.
derive_sources() {
  local entries entry file
  mkdir -p "$work"/apt/{sources,lists/partial,cache/archives/partial}
  entries=$(debian_entries)
  if [ -z "$entries" ]; then
    as_root apt-get update -q
    entries=$(debian_entries)
  fi
  [ -n "$entries" ] || { echo "apt has no source of Debian's packages here"; return 1; }
  for entry in $entries; do
    file=${entry%:*}
    case $file in
      # The number tells a line in one format, a paragraph in the other: there the file goes whole.
      *.sources) sed -E 's/^types:.*/Types: deb-src/I' "$file" >"$work/apt/sources/${file##*/}" ;;
      *) sed -nE "${entry##*:}s/^[[:space:]]*deb[[:space:]]/deb-src /p" "$file" >>"$work/apt/sources/lines.list" ;;
    esac
  done
  apt-get "${private[@]}" update -q
}

fetch() (
  cd "$work"
  if ! apt-get "${private[@]}" source -q --only-source \
    "ffmpeg${FFMPEG_VERSION:+=$FFMPEG_VERSION}" "dav1d${DAV1D_VERSION:+=$DAV1D_VERSION}"; then
    echo "The mirror has:"
    apt-cache "${private[@]}" madison ffmpeg dav1d
    exit 1
  fi
)

build_dav1d() (
  cd "$work"/dav1d-*/
  meson setup build --prefix="$work/dav1d" --libdir=lib --buildtype=release --default-library=static \
    -Dc_args="$hardening" -Denable_tools=false -Denable_tests=false
  nice -n 15 ninja -C build -j "$jobs" install
)

configure_ffmpeg() (
  cd "$work"/ffmpeg-*/
  PKG_CONFIG_PATH="$work/dav1d/lib/pkgconfig" ./configure "${configure[@]}"
)

build_ffmpeg() (
  cd "$work"/ffmpeg-*/
  nice -n 15 make -j "$jobs" ffmpeg ffprobe
)

# What is linked in, where its source is, and the licences that go with the programs.
notice() {
  local part
  echo "ffmpeg and ffprobe are built from Debian's source packages, whose source Debian keeps:"
  for part in ffmpeg dav1d; do
    printf '%s %s\n' "$part" "$(sed -n 's/^Version: //p' "$work/$part"_*.dsc | head -n 1)"
  done
  dpkg-query -W -f 'with ${source:Package} ${Version}\n' libc6-dev libvpx-dev libwebp-dev zlib1g-dev
  printf '\nHow ffmpeg was configured:\n%s\n' "${configure[*]}"
  for part in "$work"/ffmpeg-*/COPYING.LGPLv2.1 "$work"/dav1d-*/COPYING \
    /usr/share/doc/{libc6-dev,libvpx-dev,libwebp-dev,zlib1g-dev}/copyright; do
    printf '\n==== %s\n\n' "$(basename "$(dirname "$part")")"
    cat "$part"
  done
}

put() {
  install -D -m 755 -t "$folder" "$work"/ffmpeg-*/ff{mpeg,probe}
  notice >"$folder/ffmpeg.NOTICE"
}

step "installing what the build needs" install_needs
step "finding Debian's sources" derive_sources
step "fetching ffmpeg and dav1d" fetch
step "building dav1d" build_dav1d
step "configuring ffmpeg" configure_ffmpeg
step "building ffmpeg, which takes minutes" build_ffmpeg
"$here/check.sh" "$work"/ffmpeg-*/ff{mpeg,probe}
put
ls -l "$folder"/ff{mpeg,probe} >&2
