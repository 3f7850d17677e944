// Text of others as text. React escapes markup; marks that turn the writing direction, and control characters, are
// shown as what they are, so that no name can look like another or reach over what stands beside it.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

export function visible(text: string): string {
  return text.replace(HIDDEN, (mark) => `\u2423${mark.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`);
}

const LONG = 20_000;

/** Cut what nobody could read, and say so. */
export function cut(text: string, most: number = LONG): string {
  return text.length <= most ? text : `${text.slice(0, most)}\n… ${text.length - most} more characters`;
}

/** The beginning of a text, with what others must not hide in it shown. */
export function short(text: string, most: number): string {
  const characters = [...visible(text.slice(0, 2 * most + 2))]; // a character has two units at most
  return characters.length <= most ? characters.join("") : `${characters.slice(0, most - 1).join("")}…`;
}

/** Who did it, without the parts of an ARN that are the same for everybody. */
export function actor(principal: string | null | undefined): string {
  if (!principal) return "–";
  const found = /^arn:[^:]*:(?:sts|iam)::\d*:(?:(?:assumed-role|user|role)\/(.+)|(root))$/.exec(principal);
  return found?.[1] ?? found?.[2] ?? principal;
}
