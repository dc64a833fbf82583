"""The bundled demo model `sprites`: its scenes, its training, its evaluation."""
