// "1 message", "2 messages".

export function counted(count: number): string {
  return count === 1 ? "1 message" : `${count.toLocaleString("en")} messages`;
}
