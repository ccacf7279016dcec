"""Makes the files of this folder with Pillow: NAME is an image in some format, NAME.want.png its pixels as Pillow decodes
them to RGB; resize_W_H_FILTER.want.png are resized versions of source.png. Run once; the tests read the files only.

    pip install pillow numpy && python3 make.py
"""
import numpy as np
from PIL import Image

W, H = 45, 31
y, x = np.mgrid[0:H, 0:W]
pix = np.stack([127 + 120 * np.sin(x / 3.0 + y / 7.0), 255 * ((x // 6 + y // 5) % 2), (x * 5 + y * 3) % 256], -1)
pix[8:20, 10:25] = (230, 40, 60)
src = Image.fromarray(pix.clip(0, 255).astype(np.uint8))
alpha = Image.fromarray(((x * 255) // W).astype(np.uint8))
rgba = src.copy()
rgba.putalpha(alpha)


def save(name, im, **kw):
    im.save(name, **kw)
    Image.open(name).convert("RGB").save(name + ".want.png")


src.save("source.png")
for n, s in (("444", 0), ("422", 1), ("420", 2)):
    save("jpeg%s.jpg" % n, src, quality=85, subsampling=s)
save("progressive.jpg", src, quality=80, progressive=True)
save("narrow.jpg", src.crop((8, 0, 12, 31)), quality=85, subsampling=2)
save("gray.jpg", src.convert("L"), quality=85)
save("cmyk.jpg", src.convert("CMYK"), quality=85)
save("rgba.png", rgba)
save("palette.png", src.quantize(32))
save("gray.png", src.convert("L"))
save("plain.gif", src.quantize(64))
save("plain.bmp", src)
save("lossy.webp", src, quality=80)
save("lossless.webp", src, lossless=True)
save("alpha.webp", rgba, quality=80, exact=True)
for w, h, name, f in ((20, 13, "bilinear", Image.BILINEAR), (20, 13, "bicubic", Image.BICUBIC), (101, 70, "bilinear", Image.BILINEAR),
                      (101, 70, "bicubic", Image.BICUBIC), (45, 11, "bicubic", Image.BICUBIC), (7, 31, "bilinear", Image.BILINEAR),
                      (20, 13, "lanczos", Image.LANCZOS), (101, 70, "lanczos", Image.LANCZOS), (45, 11, "lanczos", Image.LANCZOS),
                      (21, 14, "nearest", Image.NEAREST), (101, 70, "nearest", Image.NEAREST), (7, 31, "nearest", Image.NEAREST)):
    src.resize((w, h), f).save("resize_%d_%d_%s.want.png" % (w, h, name))
