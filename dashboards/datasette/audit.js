// A chart's title is its question, and on the next line what a bad value means: each gets an element of its own.
document.addEventListener("DOMContentLoaded", () => {
  for (const title of document.querySelectorAll(".dashboard-card-title a")) {
    const [question, bad] = title.textContent.trim().split("\n")
    const line = (name, text) => Object.assign(document.createElement("span"), { className: name, textContent: text })
    title.replaceChildren(line("question", question), line("bad", bad))
  }
})
