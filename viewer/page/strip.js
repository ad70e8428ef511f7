// One row of columns, drawn as few rectangles: neighbours of one colour are one.

/** Collects columns from left to right and fills them on a canvas. */
export class Strip {
  constructor(context, y, height) {
    Object.assign(this, { context, y, height, left: 0, right: 0, colour: null });
  }

  add(left, right, colour) {
    if (colour !== this.colour || left !== this.right) {
      this.end();
      this.left = left;
      this.colour = colour;
    }
    this.right = right;
  }

  /** Fill what has been collected. */
  end() {
    if (this.right > this.left) {
      this.context.fillStyle = this.colour;
      this.context.fillRect(this.left, this.y, this.right - this.left, this.height);
    }
    this.left = this.right;
  }
}
