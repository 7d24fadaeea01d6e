/* A web server that answers every request with a greeting, and with --health asks itself whether it does. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "unknown"
#endif

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";
static const char QUESTION[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

static void limit(int connection)
{
	struct timeval five = { .tv_sec = 5 };
	setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &five, sizeof five);
}

static int ask(int connection, const struct sockaddr_in *address)
{
	char said[64] = { 0 };
	limit(connection);
	if (connect(connection, (const struct sockaddr *)address, sizeof *address) != 0
	    || write(connection, QUESTION, sizeof QUESTION - 1) < 0
	    || read(connection, said, sizeof said - 1) <= 0) {
		perror("health");
		return 1;
	}
	return strncmp(said, ANSWER, 15) != 0;
}

static int serve(int listener, const struct sockaddr_in *address)
{
	int yes = 1;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(listener, (const struct sockaddr *)address, sizeof *address) != 0 || listen(listener, 64) != 0) {
		perror("listen");
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		char request[4096];
		int connection = accept(listener, NULL, NULL);
		if (connection < 0)
			continue;
		limit(connection);
		if (read(connection, request, sizeof request) > 0
		    && write(connection, ANSWER, sizeof ANSWER - 1) < 0)
			perror("answer");
		close(connection);
	}
}

int main(int count, char **arguments)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(8080) };
	int made;
	if (count > 1 && strcmp(arguments[1], "--version") == 0)
		return printf("version %s\n", VERSION) < 0;
	made = socket(AF_INET, SOCK_STREAM, 0);
	if (count > 1 && strcmp(arguments[1], "--health") == 0) {
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return ask(made, &address);
	}
	return serve(made, &address);
}
