/** A loopback port on which nothing listens, outside the ephemeral range. Never 6379. */
export declare function freePort(): Promise<number>;
