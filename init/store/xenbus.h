/* Words with xenstore, by the messages that its daemon understands (xen/include/public/io/xs_wire.h). */
#ifndef RINGFENCE_XENBUS_H
#define RINGFENCE_XENBUS_H

int write_to_store(const char *key, const char *value);
int watch_store(const char *path);
void empty_store(int fd);

#endif
