/** Where the services are: `config.json` beside the page. */

export interface Config {
  auth: string;
  uploader: string;
  status: string;
  /** Where the mails of a development machine can be read. */
  mailbox?: string;
  /** A user to fill in. */
  demo?: { username: string; password: string };
}

/** Reads it; addresses may be relative to the page. Throws what is wrong, for whoever sets the page up. */
export async function readConfig(): Promise<Config> {
  const response = await fetch("config.json", { cache: "no-store" });
  if (!response.ok) {
    throw new Error(`config.json: HTTP ${response.status}`);
  }
  const config = (await response.json()) as Config;
  for (const name of ["auth", "uploader", "status"] as const) {
    if (typeof config[name] !== "string") {
      throw new Error(`config.json: "${name}" is missing`);
    }
    config[name] = new URL(config[name], document.baseURI).href.replace(/\/+$/, "");
  }
  return config;
}
