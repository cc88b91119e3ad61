// What a value of an item's data is to be shown as: an image or a recording where it is the address of one that this
// server serves, else its text. Any other address stays text: nothing is fetched from elsewhere.

const ITEM_MEDIA = /^\/media\/items\/\d+(\/audio)?$/;
const IMAGE_WITHIN = /^data:image\/(?:png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/]+=*$/;

export type Shape = "text" | "image" | "audio";

export function shapeOf(value: string): Shape {
  const served = ITEM_MEDIA.exec(value);
  if (served !== null) return served[1] === undefined ? "image" : "audio";
  return IMAGE_WITHIN.test(value) ? "image" : "text";
}
