# syntax=docker/dockerfile:1
ARG GO_VERSION=1.24
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-alpine AS build
WORKDIR /app
RUN apk add --no-cache git make
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH
ARG VERSION=dev
ENV CGO_ENABLED=0
RUN --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags="-s -w -X main.version=${VERSION}" -o /out/web ./cmd/web

FROM gcr.io/distroless/static-debian12:nonroot
LABEL org.opencontainers.image.title="Web" \
      org.opencontainers.image.licenses=MIT \
      org.opencontainers.image.source=https://git.example.org/web
COPY --from=build /out/web /usr/local/bin/web
COPY --chmod=644 config/web.yaml /etc/web/
ENV WEB_LISTEN=:8080
EXPOSE 8080
ENTRYPOINT ["web"]
CMD ["serve", "--config", "/etc/web/web.yaml"]
