/** Begins a command line whose process alone sees a file system of this size, in MiB, over the directory. */
export const onSmallDisk = (directory: string, mib: number): string[] => [
  'unshare', ...(process.getuid?.() === 0 ? ['-m'] : ['-Urm']), 'sh', '-c', `mount -t tmpfs -o size=${mib}m none "$0" && exec "$@"`, directory,
]
