/** Saves what is at an address that answers with an attachment, so that the page stays. */
export function download(address: string, name = ""): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}
