"""The inks of the page (viewer/page/style.css), for pictures without it; a test holds them against those."""

# name → (light, dark)
INKS = {
    "page": ("#fbfbfc", "#12151b"),
    "panel": ("#ffffff", "#171a21"),
    "ink": ("#1c2027", "#e7eaf0"),
    "soft": ("#5c6470", "#9aa3b2"),
    "line": ("#e2e5ea", "#2b303a"),
    "tiny": ("#c3c8d0", "#434a57"),
    "badge": ("#f8dfb8", "#5b431f"),
}
