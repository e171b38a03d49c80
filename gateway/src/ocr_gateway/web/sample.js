// A page to try: a letter, drawn here.

import { element } from "./dom.js";

const INK = "#26262b";
const ROWS = [
  ["120", "Bread rolls", "0.40", "48.00"],
  ["15", "Loaves of rye bread", "3.50", "52.50"],
  ["1", "Delivery on Monday morning", "9.50", "9.50"],
];

export function samplePage() {
  const canvas = element("canvas", { width: 1000, height: 1240 });
  draw(canvas.getContext("2d"), canvas);
  return new Promise((resolve) => {
    canvas.toBlob((blob) => resolve(new File([blob], "sample.png", { type: blob.type })), "image/png");
  });
}

function draw(pen, { width, height }) {
  const write = (text, x, y, { size = 25, weight = 400, ink = INK, align = "left" } = {}) => {
    Object.assign(pen, { font: `${weight} ${size}px system-ui, sans-serif`, fillStyle: ink, textAlign: align });
    pen.fillText(text, x, y);
  };
  const rule = (y) => pen.fillRect(90, y, width - 180, 2);
  pen.fillStyle = "#fdfcf9";
  pen.fillRect(0, 0, width, height);
  write("Bakery Sunrise", 90, 140, { size: 48, weight: 600, ink: "#8a4b12" });
  write("12 Mill Lane, Riverton", 90, 185, { ink: "#6b6b70" });
  write("Invoice 2024-0173", 90, 320, { size: 36, weight: 600 });
  write("18 November 2024", 910, 320, { align: "right" });
  write("Dear Ms Whitfield, thank you for your order.", 90, 390);
  write("We have delivered and charge the following:", 90, 430);
  ROWS.forEach((cells, row) => {
    const y = 530 + row * 62;
    [[90, "left"], [190, "left"], [740, "right"], [910, "right"]].forEach(([x, align], column) => {
      write(cells[column], x, y, { align });
    });
  });
  pen.fillStyle = "#d9d4c8";
  [475, 555, 617, 680].forEach(rule);
  write("Total", 190, 745, { size: 30, weight: 600 });
  write("110.00 EUR", 910, 745, { size: 30, weight: 600, align: "right" });
  write("Payable within thirty days after receipt.", 90, 850);
  write("Questions? Call us between six and noon: 555 0142.", 90, 890);
  stamp(pen);
  write("sunrise@bakery.example", 90, 1130, { size: 20, ink: "#b9b6ae" });
  write("page 1 of 1", 910, 1130, { size: 20, ink: "#b9b6ae", align: "right" });
}

// Not all that comes to be read is clean.
function stamp(pen) {
  pen.save();
  pen.translate(560, 1030);
  pen.rotate(-0.11);
  Object.assign(pen, { globalAlpha: 0.4, filter: "blur(2.6px)", lineWidth: 4, strokeStyle: "#8a1c2b", fillStyle: "#8a1c2b" });
  pen.strokeRect(0, -62, 330, 90);
  Object.assign(pen, { font: "italic 600 34px serif", textAlign: "center" });
  pen.fillText("received 21 Nov", 165, -5);
  pen.restore();
}
