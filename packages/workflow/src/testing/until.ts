/** Waits for what a test expects to happen, in bounded time. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new TypeError("did not happen within 20 s");
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
