/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Runs every kept input of a fuzz target once, without the fuzzer: the target
 * is linked with this instead of libFuzzer.
 *
 *   replay_NAME PATH...     files, or folders of files
 *
 * Prints one line of TAP. An input that breaks the target ends the process,
 * with the sanitizer's report and the input's name before it.
 */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static char running[512]; /* the input's name, for whoever reads a core */
static unsigned inputs;

static void
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	unsigned char *data = NULL;
	struct stat st;
	size_t size = 0;

	if (f == NULL || fstat(fileno(f), &st) == -1) {
		perror(path);
		exit(1);
	}
	if (S_ISREG(st.st_mode) && st.st_size > 0)
		size = (size_t)st.st_size;
	/* An allocation of its own, exactly as large: reading one byte past
	 * the input is then an error that the sanitizer sees. */
	data = malloc(size > 0 ? size : 1);
	if (data == NULL || fread(data, 1, size, f) != size) {
		perror(path);
		exit(1);
	}
	fclose(f);
	snprintf(running, sizeof running, "%s", path);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	inputs++;
}

static void
replay_folder(const char *path, DIR *dir)
{
	char name[512];

	for (struct dirent *d; (d = readdir(dir)) != NULL;) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", path, d->d_name);
		replay_file(name);
	}
	closedir(dir);
}

/* Runs also where a sanitizer ends the process. */
static void
name_culprit(void)
{
	if (running[0] != '\0')
		fprintf(stderr, "not ok 1 - ended in %s\n", running);
}

int
main(int argc, char **argv)
{
	/* The empty input belongs to every corpus. */
	unsigned char *nothing = calloc(1, 1);

	if (nothing == NULL)
		return 1;
	LLVMFuzzerTestOneInput(nothing, 0);
	free(nothing);
	atexit(name_culprit);
	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);

		if (dir != NULL)
			replay_folder(argv[i], dir);
		else
			replay_file(argv[i]);
	}
	running[0] = '\0';
	printf("ok 1 - %u kept inputs of %s\n", inputs, argv[0]);
	return 0;
}
