import ganzoo, torch.nn.functional as F

class SoftHinge:
    "Hinge with softplus corners."
    def d(self, critic, real, fake): return F.softplus(1 - critic(real)).mean() + F.softplus(1 + critic(fake)).mean()
    def g(self, critic, real, fake): return -critic(fake).mean()

@ganzoo.hookimpl
def register_losses(register):
    register("softhinge", SoftHinge)
