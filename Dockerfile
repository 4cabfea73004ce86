# Weir in a container: docker build -t weir . && docker compose up
#
# What changes seldom comes first, so that an edit of the code rebuilds the code
# alone. FFmpeg is the minimal static build on purpose: Debian's own libraries
# would bring 187 packages and 448 MB with them.

FROM debian:13-slim AS build
WORKDIR /src
ENV WEIR_FFMPEG=static
COPY go.mod go.sum ./
COPY scripts scripts
RUN scripts/setup build
RUN scripts/ffmpeg
RUN go mod download
COPY Makefile ./
COPY pkg/httpserve/web/package.json pkg/httpserve/web/package-lock.json pkg/httpserve/web/
RUN make web-modules
COPY . .
# git's name for this version; the checkout's history is not in the build.
ARG VERSION=unknown
RUN make build VERSION=$VERSION

FROM debian:13-slim
# The two libraries that are not linked in, and certificates for rtmps://.
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends ca-certificates libdav1d7 zlib1g \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/bin/weir /usr/local/bin/weir
COPY LICENSE NOTICE /usr/share/doc/weir/
RUN install -d -o 10001 -g 10001 /data
USER 10001:10001
WORKDIR /data
ENV WEIR_DATA_DIR=/data
VOLUME /data
EXPOSE 1935 9000/udp 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["weir", "health"]
ENTRYPOINT ["weir"]
CMD ["serve"]
