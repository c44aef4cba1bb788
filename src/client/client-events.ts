/** The listeners of one client. They hear its endpoint, whichever that is by now, as long as the client has not ended. */
import type { EventHub, EventListener } from "../observe/events.js";

export class ClientEvents {
  readonly #listeners = new Set<EventListener>();
  readonly #hub: () => EventHub | undefined;
  #heard: EventHub | undefined = undefined;

  /** `hub`: that of the endpoint which the client belongs to now. */
  constructor(hub: () => EventHub | undefined) {
    this.#hub = hub;
  }

  /** Returns a function that ends it. */
  add(listener: EventListener): () => void {
    this.#listeners.add(listener);
    this.begin();
    return () => {
      this.#listeners.delete(listener);
      this.#heard?.remove(listener);
    };
  }

  /** The client belongs to an endpoint. */
  begin(): void {
    this.#heard = this.#hub();
    for (const listener of this.#listeners) this.#heard?.add(listener);
  }

  /** The client has ended. */
  end(): void {
    for (const listener of this.#listeners) this.#heard?.remove(listener);
    this.#heard = undefined;
  }
}
