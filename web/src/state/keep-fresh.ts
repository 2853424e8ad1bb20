/**
 * Calls `load` again and again, `delay()` milliseconds after it has ended, never twice at a time; not
 * while the page is hidden, and at once when it is seen again or the network is back. `load` must not
 * throw.
 */
export function keepFresh(load: () => Promise<void>, delay: () => number) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  let wanted = false;
  let stopped = false;

  async function now() {
    clearTimeout(timer);
    wanted = true;
    if (running) {
      return;
    }
    running = true;
    while (wanted && !stopped) {
      wanted = false;
      await load();
    }
    running = false;
    if (!stopped && !document.hidden) {
      timer = setTimeout(now, delay());
    }
  }

  function wake() {
    clearTimeout(timer);
    if (!document.hidden) {
      void now();
    }
  }

  document.addEventListener("visibilitychange", wake);
  addEventListener("online", wake);
  void now();
  return {
    /** Asks for a round that begins after the call. */
    now,
    stop() {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", wake);
      removeEventListener("online", wake);
    },
  };
}
