FROM alpine:3.20.3
RUN apk --no-cache --no-progress add ca-certificates curl tzdata
RUN addgroup -S router && adduser -S -D -G router router
COPY router /usr/local/bin/router
COPY script/entrypoint.sh /
EXPOSE 80 443
VOLUME ["/tmp"]
USER router:router
ENTRYPOINT ["/entrypoint.sh"]
CMD ["router"]
LABEL org.opencontainers.image.vendor="Example" \
    org.opencontainers.image.documentation="https://docs.example.org"
