"""Makes autoaugment.json: what torchvision's RandAugment and TrivialAugmentWide do to a small image, operation by operation.

usage: python autoaugment.py > autoaugment.json     (torchvision 0.29, Pillow)
The strengths come from torchvision's own tables, the images from its own _apply_op, which calls Pillow.
"""
import base64, json
from PIL import Image
from torchvision.transforms import InterpolationMode, autoaugment as A

W, H = 13, 10
state, data = 12345, bytearray()
for y in range(H):
    for x in range(W):
        for c in range(3):
            state = (state * 1103515245 + 12345) % 2**31
            data.append(min(255, 20 + (x * 9, y * 13, (x + y) * 5)[c] + state // 2**16 % 50))
image = Image.frombytes("RGB", (W, H), bytes(data))
b64 = lambda m: base64.b64encode(m.tobytes()).decode()

cases = []
for kind, policy in (("rand", A.RandAugment()), ("trivial", A.TrivialAugmentWide())):
    space = policy._augmentation_space(31, (H, W)) if kind == "rand" else policy._augmentation_space(31)
    for name, (strengths, signed) in space.items():
        for k in (9, 20, 30) if strengths.ndim else (0,):
            v = float(strengths[k].item()) if strengths.ndim else 0.0
            for sign in (1, -1) if signed and k in (9, 20) else (1,):
                out = A._apply_op(image, name, sign * v, interpolation=InterpolationMode.NEAREST, fill=None)
                cases.append(dict(kind=kind, op=name, k=k, sign=sign, strength=v, signed=signed, image=b64(out)))
print(json.dumps(dict(width=W, height=H, image=b64(image), cases=cases), indent=0))
