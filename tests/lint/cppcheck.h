/* cppcheck.h - macros of libraries that cppcheck can not read by itself; included before each file
 * that it looks at. */
#define json_array_foreach(array, index, value)                                                    \
	for (index = 0; (value = json_array_get(array, index)); index++)
#define json_object_foreach(object, key, value) for (;;)
