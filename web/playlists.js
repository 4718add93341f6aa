/** Saving songs: playlists as downloads, paths to the clipboard. */

import { postRaw } from "./api.js";
import { count, el, toast } from "./dom.js";

/** Download the songs as a playlist. @param format `m3u8` or `xspf` */
export async function savePlaylist(rows, generation, name, format) {
  try {
    const answer = await postRaw("playlists", { rows, generation, name, format });
    const link = el("a", { href: URL.createObjectURL(await answer.blob()), download: `${name.replace(/[\\/:*?"<>|\s]+/g, "-")}.${format}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    toast(`Saved ${count(rows.length, "song")} as ${link.download}`);
  } catch (error) {
    toast(error.message);
  }
}

/** Copy the paths of the songs, one a line. */
export async function copyPaths(rows, generation) {
  try {
    const answer = await postRaw("playlists", { rows, generation, name: "paths", format: "paths" });
    await navigator.clipboard.writeText(await answer.text());
    toast(`Copied ${count(rows.length, "path")}`);
  } catch (error) {
    toast(error.name === "NotAllowedError" || !navigator.clipboard ? "The browser does not allow copying here." : error.message);
  }
}
