// How sure a line is: a class that the style sheet gives a colour and a pattern.

export function grade(confidence) {
  if (confidence >= 0.9) return "sure";
  return confidence >= 0.7 ? "fair" : "doubtful";
}

export const percent = (confidence) => `${Math.floor(confidence * 100)} %`;
