# escape=`
FROM debian:trixie AS unused
RUN echo never

FROM ubuntu:24.04
MAINTAINER Ada Lovelace <ada@example.org>
ARG UID
ARG PREFIX=/opt/odds
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ONBUILD RUN make
RUN ["mkdir", "-p", "/opt/odds/etc"]
RUN mkdir -m 0700 /opt/odds/state `
    && ln -sf /opt/odds/bin/odds /usr/local/bin/ `
    && touch /opt/odds/etc/empty `
    && install -d -o 1000 -g 1000 -m 0750 /run/odds
RUN rm -rf /usr/share/locale /opt/odds/lib/*.a /etc/motd
RUN apt-get update && apt-get install -y odds-common/trixie-backports odds
COPY <<"CONF" <<-MOTD $PREFIX/etc/
literal ${HOME} and "quotes"
CONF
	Welcome
MOTD
COPY ["with space.txt", "/opt/odds/"]
ADD bundle.tar.gz /opt/odds/
ADD --checksum=sha256:00 https://example.org/odds.dat ${PREFIX}/odds.dat
ADD https://git.example.org/extras.git#v3 /opt/extras
COPY ../outside /opt/
COPY --from=nginx:1.27 /etc/nginx/nginx.conf /etc/nginx/
ENV MESSAGE="costs \${5} or \$HOME" HOME_OF=$PREFIX/home OLD=$UNDEFINED
ENV legacy value with spaces
LABEL org.example.text="a ${PREFIX} b" empty=""
VOLUME ["/opt/odds/state", "/opt/odds/state"]
EXPOSE 99999 8000/tcp 8000
STOPSIGNAL 3
USER root
ENTRYPOINT exec odds --home $HOME_OF
CMD ["odds --all"]
HEALTHCHECK NONE
